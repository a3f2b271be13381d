FROM base
RUN make \
    all
COPY --chown=a \
     --chmood=1 x y
