FROM base
RUN --network=none
