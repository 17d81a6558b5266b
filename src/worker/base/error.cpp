#include "worker/base/error.h"

namespace worker {

std::string wire_message(const Error& error) {
    return std::string(traits(error.code).message_prefix) + error.message;
}

}  // namespace worker
