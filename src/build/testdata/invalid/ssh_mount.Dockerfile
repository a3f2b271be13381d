FROM base
RUN --mount=type=ssh git clone x
