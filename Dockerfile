# One static binary in an otherwise empty image: no shell, no libraries, not root.
#
#   docker build -t diagbot .
#   docker run -it --stop-timeout 30 -e OPENAI_API_KEY -v diagbot-data:/data diagbot
#
# -it shows the login's QR code; the link beside it works without a terminal. A
# config.yaml in the volume is read. At stop the bot finishes what it is answering,
# which takes longer than the 10 s Docker waits by default.

FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# timetzdata: the image has no zone files, and TZ should work.
RUN CGO_ENABLED=0 go build -trimpath -tags timetzdata -ldflags='-s -w' -o /out/diagbot ./cmd/diagbot
# A new volume takes over the owner and mode of the directory it covers.
RUN mkdir /out/data

FROM scratch
LABEL org.opencontainers.image.title="diagbot" \
      org.opencontainers.image.description="Relays WeChat chats to OpenAI-compatible services and explains every failure" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /src/LICENSE /
COPY --from=build /out/diagbot /
COPY --from=build --chown=65532:65532 --chmod=700 /out/data /data
USER 65532:65532
ENV DIAGBOT_DATA_DIR=/data
WORKDIR /data
VOLUME /data
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["/diagbot", "health"]
ENTRYPOINT ["/diagbot"]
CMD ["serve"]
