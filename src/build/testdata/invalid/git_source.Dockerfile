FROM base
ADD https://example.org/repo.git /src
