# The server in an image, for docker-compose.yml. It builds on Debian 13, such as the image of that name, or on the build
# image this server makes itself:  docker build --build-arg BASE=paas/debian-13-build:… .
ARG BASE=debian:13-slim

FROM ${BASE} AS modules
USER root
WORKDIR /paas
RUN [ -x /usr/lib/paas/bin/npm ] || { apt-get update && apt-get install --yes --no-install-recommends ca-certificates nodejs npm; }
COPY package.json package-lock.json .npmrc ./
RUN PATH="/usr/lib/paas/bin:$PATH" npm ci
COPY bin bin
COPY src src
RUN node_modules/node-linux-*/bin/node bin/bundle.ts \
  && PATH="/usr/lib/paas/bin:$PATH" npm prune --omit=dev && cd node_modules/.bin && ln -sf ../node-linux-*/bin/node node

FROM ${BASE}
USER root
RUN apt-get update \
  && apt-get install --yes --no-install-recommends ca-certificates git iptables mmdebstrap redis-server restic util-linux \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /paas
COPY . .
COPY --from=modules /paas/node_modules node_modules
COPY --from=modules /paas/dist dist
ENV PATH="/paas/node_modules/.bin:/paas/bin:$PATH" \
  PAAS_DATA=/data \
  PAAS_HANDOVER=0 \
  XDG_CONFIG_HOME=/data/config \
  XDG_CACHE_HOME=/var/cache
VOLUME /data
ENTRYPOINT ["node", "dist/server.js"]
