FROM base
RUN --mount=type=cache make
