FROM base
COPY --chown=a --chown=b /a /b
