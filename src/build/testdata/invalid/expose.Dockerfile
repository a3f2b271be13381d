FROM base
EXPOSE eighty
