FROM base something build
