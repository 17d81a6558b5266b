#include "embedding/api/embedding_service.h"

namespace embedding {

EmbeddingModelView view_of(const EmbeddingBackend& backend, const worker::Clock& clock) {
    return {.vocabulary = backend.vocabulary(),
            .context_max = backend.capabilities().context_max,
            .dimensions = backend.capabilities().dimensions,
            .card = backend.card(),
            .loaded_at = worker::unix_seconds(clock.wall_now())};
}

worker::SchedulerLimits limits_of(std::uint32_t queue_max) {
    // A job's vectors wait for its readers all together: of the widest known models.
    constexpr std::size_t job_bytes_max = inputs_max * 4096 * sizeof(float);
    worker::SchedulerLimits limits{.queue_max = queue_max};
    limits.unread_bytes = limits.kept_bytes = job_bytes_max;
    limits.finished_bytes = 4 * job_bytes_max;
    return limits;
}

}  // namespace embedding
