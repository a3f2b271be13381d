FROM base
RUN --network=bridge make
