FROM base
RUN --mount=type=cache,taget=/x make
