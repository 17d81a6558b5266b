// For this folder only: includes ggml.
#pragma once

#include "worker/device/device.h"

#include <ggml-backend.h>

#include <vector>

namespace llama {

struct GgmlDevice {
    ggml_backend_dev_t handle;
    worker::Device facts;
};

// The processor and the GPUs that ggml sees, in its order. Several backends may know the same GPU;
// it then appears once for each kind.
std::vector<GgmlDevice> ggml_devices();

}  // namespace llama
