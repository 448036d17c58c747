# syntax=docker/dockerfile:1

# One image for everything of this project that runs in a container:
#   the worker           docker run … stream-poller                              (the default)
#   the client           docker compose exec worker npm run client -- status     (every command that the app prints works
#                        so; without npm it is: node src/client.ts status)
#   the Twitch sandbox   docker run … stream-poller node sandbox/twitch/main.ts --host 0.0.0.0

# Debian and not Alpine: Temporal's core is a native library that needs glibc.
FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# No package of a production install needs its install script.
RUN npm ci --omit=dev --ignore-scripts
# Temporal's core comes built for every platform at once.
RUN rm -r node_modules/@temporalio/core-bridge/releases/*-apple-darwin node_modules/@temporalio/core-bridge/releases/*-windows-msvc

FROM dependencies AS workflows
COPY src ./src
COPY scripts/bundle-workflows.ts ./scripts/
RUN node scripts/bundle-workflows.ts build/workflows.js

FROM node:24-bookworm-slim
LABEL org.opencontainers.image.title="stream-poller" \
      org.opencontainers.image.description="Detects when Twitch streams go live and publishes one stream.online message for each to RabbitMQ" \
      org.opencontainers.image.licenses="MIT"
# Temporal's core reads the certificates of the system; the slim image has none.
RUN apt-get update \
  && apt-get install --yes --no-install-recommends ca-certificates \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=workflows /app/build/workflows.js ./build/
COPY package.json package-lock.json ./
COPY scripts/background.mjs scripts/bootstrap.mjs scripts/check-settings.ts ./scripts/
COPY sandbox/twitch ./sandbox/twitch
COPY src ./src

ENV NODE_ENV=production \
    HTTP_HOST=0.0.0.0 \
    WORKFLOW_BUNDLE=/app/build/workflows.js \
    NPM_CONFIG_UPDATE_NOTIFIER=false
# Of the container's memory limit: the rest is for Temporal's core and the threads of workflows, which V8 does not count.
# Without a limit it is a share of the whole machine, so set one.
ENV NODE_OPTIONS=--max-old-space-size-percentage=65

USER node
EXPOSE 8080
# Liveness alone: a container that waits for RabbitMQ or Twitch would not get better by a restart. /readyz tells the rest.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.HTTP_PORT || 8080) + '/healthz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# Node is process 1 and gets it directly. The worker finishes what it has in hand within 15 seconds: allow 20.
STOPSIGNAL SIGTERM
CMD ["node", "src/worker.ts"]
