FROM base

FROM missing:1
