FROM scratch
ADD --keep-git-dir=perhaps https://example.com/r.git /r
