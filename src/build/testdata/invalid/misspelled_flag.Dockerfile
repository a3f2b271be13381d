FROM base
COPY --form=build /a /b
