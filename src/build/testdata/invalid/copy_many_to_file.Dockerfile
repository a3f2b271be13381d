FROM base
COPY a b /target
