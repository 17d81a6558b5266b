#include "worker/http/event_writer.h"

#include <chrono>

namespace worker {

using namespace std::chrono_literals;

std::string EventWriter::frame(const Started& started) {
    return to_frame(StartedFrame{.job_id = job_id_,
                                 .model = model_,
                                 .started_at = parts_.clock.wall_now(),
                                 .seed = started.seed});
}

std::string EventWriter::frame(const Narration& narration) const {
    if (detail_ == EventDetail::output_only) return "";
    return to_frame(NarrationFrame{.actor = narration.actor,
                                   .action = narration.action,
                                   .target = narration.target,
                                   .human = narration.human,
                                   .cute = narration.cute,
                                   .correlation_id = narration.correlation_id,
                                   .job_id = narration.job_id});
}

std::string EventWriter::frame(const Ended& ended) {
    const std::string end =
        to_frame(EndFrame{.tokens_out = ended.tokens_out,
                          .decode_time = ended.decode_time,
                          .stop_reason = wire_name(ended.stop_reason),
                          .stop_sequence_matched = ended.stop_sequence_matched});
    return detail_ == EventDetail::all ? metrics() + end : end;
}

std::string EventWriter::frame(const Failed& failed) const {
    return to_frame(failed.error);
}

std::string EventWriter::metrics_if_due(std::uint32_t units) {
    const Clock::TimePoint now = parts_.clock.now();
    if (units_ == 0) first_unit_ = last_metrics_ = now;
    units_ += units;
    last_unit_ = now;
    if (detail_ == EventDetail::output_only || now - last_metrics_ < 1s) return "";
    last_metrics_ = now;
    return metrics();
}

std::string EventWriter::metrics() {
    const std::chrono::duration<double> took = last_unit_ - first_unit_;
    const double per_second = took.count() > 0 ? double(units_) / took.count() : 0;
    return to_frame(MetricsFrame{.tokens_per_sec = per_second,
                                 .vram_bytes = parts_.board.read().backend.device_bytes});
}

}  // namespace worker
