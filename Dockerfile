# watari with its simulated cluster, for the `lab` profile of docker-compose.yml. Real nodes run Windows and need no
# container: docs/ says how a worker is installed there.
FROM node:22.21.1-bookworm-slim AS build
WORKDIR /watari
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build

FROM node:22.21.1-bookworm-slim
ENV NODE_ENV=production
WORKDIR /watari
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund && npm cache clean --force
COPY --from=build /watari/dist ./dist
COPY lab/scenarios ./lab/scenarios
COPY hyperv ./hyperv
# Logs of the lab's workers, and the data folder of whoever works in the container.
RUN mkdir .watari && chown node:node .watari
ENV WATARI_HOME=/watari/.watari
USER node
CMD ["node", "dist/client/main.js", "--help"]
