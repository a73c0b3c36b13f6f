# watari with its simulated cluster, for the `lab` profile of docker-compose.yml. Real nodes run Windows and need no
# container: docs/ says how a worker is installed there.
FROM node:22.23.3-bookworm-slim AS build
WORKDIR /watari
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build

FROM node:22.23.3-bookworm-slim
ENV NODE_ENV=production
WORKDIR /watari
COPY package.json package-lock.json ./
# Temporal's core comes for every platform: 109 of 273 MB would be for others.
RUN npm ci --omit=dev --no-audit --no-fund && npm cache clean --force \
  && find node_modules/@temporalio/core-bridge/releases -mindepth 1 -maxdepth 1 \
    ! -name "$(uname -m)-unknown-linux-gnu" -exec rm -r {} +
COPY --from=build /watari/dist ./dist
COPY lab/scenarios ./lab/scenarios
# The data folder of whoever works in the container.
RUN mkdir .watari && chown node:node .watari
ENV WATARI_HOME=/watari/.watari
USER node
CMD ["node", "dist/client/main.js", "--help"]
