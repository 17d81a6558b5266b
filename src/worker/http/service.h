#pragma once

#include "worker/base/log.h"
#include "worker/http/router.h"
#include "worker/http/server.h"

namespace worker {

// What the connections of one server share. Thread: io.
struct HttpService {
    const HttpSettings settings;
    const Router& router;
    Log& log;
    bool draining = false;  // each reply ends its connection
};

}  // namespace worker
