FROM base
RUN --mount=type=cahce,target=/x make
