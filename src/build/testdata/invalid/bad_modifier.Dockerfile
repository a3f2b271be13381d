FROM base
ENV A=${B:x}
