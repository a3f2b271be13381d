FROM base
RUN <<END
echo
