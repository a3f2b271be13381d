FROM base
ENV A
