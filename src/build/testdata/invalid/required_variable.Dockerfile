FROM base
WORKDIR ${DIR:?must be given}
