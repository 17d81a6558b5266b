#include "worker/contract/error_body.h"

#include "worker/contract/json_object.h"

namespace worker {
namespace {

JsonObject code_and_message(const Error& error) {
    JsonObject object;
    object.add("code", traits(error.code).wire_name).add("message", wire_message(error));
    return object;
}

}  // namespace

std::string error_body(const Error& error) {
    return code_and_message(error).add("retriable", traits(error.code).retriable).text();
}

std::string api_key_error_body(const Error& error) {
    return JsonObject().add("error", code_and_message(error)).text();
}

std::string all_slots_busy_body(const Error& error, SlotCounts slots) {
    JsonObject detail = code_and_message(error);
    detail.add("slots_total", slots.total).add("slots_busy", slots.busy);
    return JsonObject().add("error", detail).text();
}

}  // namespace worker
