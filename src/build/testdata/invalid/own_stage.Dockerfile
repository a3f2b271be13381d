FROM base AS one
COPY --from=one /a /a
