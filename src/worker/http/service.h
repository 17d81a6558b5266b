#pragma once

#include "worker/base/log.h"
#include "worker/http/router.h"
#include "worker/http/server.h"
#include "worker/http/tls.h"

#include <optional>

namespace worker {

// What the connections of one server share. Thread: io.
struct HttpService {
    const HttpSettings settings;
    const Router& router;
    Log& log;
    std::optional<TlsServer> tls = std::nullopt;
    bool draining = false;  // each reply ends its connection
};

}  // namespace worker
