#include "worker/contract/slot_report.h"

#include "worker/base/quantities.h"
#include "worker/contract/json_object.h"

namespace worker {

std::string to_json(const std::vector<SlotReport>& slots) {
    std::string items;
    for (const SlotReport& slot : slots) {
        JsonObject object;
        object.add("id", slot.id)
            .add("state", slot.state)
            .add("is_processing", slot.is_processing)
            .add("job_id", slot.job_id)
            .add("tokens_in", slot.tokens_in)
            .add("tokens_cached", slot.tokens_cached)
            .add("tokens_out", slot.tokens_out)
            .add("cells", slot.cells);
        if (slot.started_at) object.add("started_at", format_rfc3339(*slot.started_at));
        object.add("tokens_per_second", slot.tokens_per_second);
        items += (items.empty() ? "" : ",") + object.text();
    }
    return "[" + items + "]";
}

}  // namespace worker
