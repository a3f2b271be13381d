FROM scratch
RUN --mount=type=ssh,required=maybe true
