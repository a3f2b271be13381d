FROM base
COPY https://example.org/a /a
