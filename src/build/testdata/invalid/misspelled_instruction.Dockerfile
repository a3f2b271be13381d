FROM base
RUM make
