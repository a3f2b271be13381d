FROM base
COPY onlyone
