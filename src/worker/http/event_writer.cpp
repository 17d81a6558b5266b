#include "worker/http/event_writer.h"

#include <chrono>

namespace worker {

using namespace std::chrono_literals;

std::string EventWriter::frame(const Started& started) const {
    return to_frame(StartedFrame{
        .job_id = job_id_, .model = model_, .started_at = started.at, .seed = started.seed});
}

std::string EventWriter::frame(const Narrated& narration) const {
    if (detail_ == EventDetail::output_only) return "";
    return to_frame(NarrationFrame{.actor = narration->actor,
                                   .action = narration->action,
                                   .target = narration->target,
                                   .human = narration->human,
                                   .cute = narration->cute,
                                   .correlation_id = narration->correlation_id,
                                   .job_id = narration->job_id});
}

std::string EventWriter::frame(const Ended& ended) const {
    return to_frame(EndFrame{.tokens_out = ended.tokens_out,
                             .decode_time = ended.decode_time,
                             .stop_reason = wire_name(ended.stop_reason),
                             .stop_sequence_matched = ended.stop_sequence_matched});
}

std::string EventWriter::frame(const Failed& failed) const {
    return to_frame(failed.error);
}

std::string EventWriter::metrics_if_due(std::uint32_t units) {
    const Clock::TimePoint now = parts_.clock.now();
    if (units_ == 0) first_unit_ = last_metrics_ = now;
    units_ += units;
    if (detail_ == EventDetail::output_only || now - last_metrics_ < 1s) return "";
    last_metrics_ = now;
    return metrics(now - first_unit_, units_);
}

std::string EventWriter::metrics_of(const Ended& ended) const {
    if (detail_ == EventDetail::output_only) return "";
    return metrics(ended.decode_time, ended.tokens_out);
}

std::string EventWriter::metrics(std::chrono::duration<double> took, std::uint64_t units) const {
    const double per_second = took.count() > 0 ? static_cast<double>(units) / took.count() : 0;
    return to_frame(MetricsFrame{.tokens_per_sec = per_second,
                                 .vram_bytes = parts_.board.read().backend.device_bytes});
}

}  // namespace worker
