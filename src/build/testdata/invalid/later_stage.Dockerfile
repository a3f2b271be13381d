FROM base AS one
COPY --from=two /a /a
FROM base AS two
FROM one
