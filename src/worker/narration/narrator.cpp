#include "worker/narration/narrator.h"

#include <algorithm>
#include <utility>

namespace worker {
namespace {

LogLevel level_of(const Narration& narration) {
    const std::string_view action = narration.action;
    const bool bad = action.ends_with("failed") || action.ends_with("error");
    return bad ? LogLevel::error : LogLevel::info;
}

void write(Log& log, const Narration& narration) {
    std::vector<LogField> fields = fields_of(narration);
    std::erase_if(fields, [](const LogField& field) { return field.key == "human"; });
    log.write(level_of(narration), narration.human, fields);
}

}  // namespace

NarrationSubscription::NarrationSubscription(Narrator& narrator, std::optional<std::string> job_id,
                                             std::function<void()> wake)
    : narrator_(narrator), job_id_(std::move(job_id)), wake_(std::move(wake)) {
    const std::lock_guard lock(narrator_.mutex_);
    narrator_.subscriptions_.push_back(this);
}

NarrationSubscription::~NarrationSubscription() {
    const std::lock_guard lock(narrator_.mutex_);
    std::erase(narrator_.subscriptions_, this);
}

NarrationSubscription::Taken NarrationSubscription::take() {
    const std::lock_guard lock(narrator_.mutex_);
    return std::exchange(waiting_, {});
}

Narration Narrator::narrate(Narration narration) {
    if (narration.actor.empty()) narration.actor = worker_;
    narration.emitted_at =
        std::chrono::duration_cast<std::chrono::milliseconds>(clock_.wall_now().time_since_epoch());
    const Narration said = made_presentable(std::move(narration));
    write(log_, said);

    const std::lock_guard lock(mutex_);
    for (NarrationSubscription* subscription : subscriptions_) {
        if (subscription->job_id_ && subscription->job_id_ != said.job_id) continue;
        NarrationSubscription::Taken& waiting = subscription->waiting_;
        if (waiting.lines.size() >= subscription_lines_max) {
            ++waiting.lines_dropped;
            continue;
        }
        waiting.lines.push_back(to_json(said));
        if (waiting.lines.size() == 1) subscription->wake_();
    }
    return said;
}

std::unique_ptr<NarrationSubscription> Narrator::subscribe(std::optional<std::string> job_id,
                                                           std::function<void()> wake) {
    return std::unique_ptr<NarrationSubscription>(
        new NarrationSubscription(*this, std::move(job_id), std::move(wake)));
}

}  // namespace worker
