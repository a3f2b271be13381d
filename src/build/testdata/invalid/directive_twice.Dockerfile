# syntax=a
# syntax=b
FROM base
