#include "worker/narration/narration.h"

#include "worker/base/json.h"
#include "worker/base/utf8.h"
#include "worker/narration/redact.h"

namespace worker {
namespace {

void add_text(std::vector<LogField>& fields, std::string_view key,
              const std::optional<std::string>& text) {
    if (text) fields.emplace_back(key, *text);
}

void add_number(std::vector<LogField>& fields, std::string_view key,
                const std::optional<std::uint64_t>& number) {
    if (number) fields.emplace_back(key, *number);
}

void add_time(std::vector<LogField>& fields, std::string_view key,
              const std::optional<std::chrono::milliseconds>& time) {
    if (time) fields.emplace_back(key, time->count());
}

}  // namespace

std::vector<LogField> fields_of(const Narration& narration) {
    std::vector<LogField> fields{{"actor", narration.actor},
                                 {"action", narration.action},
                                 {"target", narration.target},
                                 {"human", narration.human}};
    add_text(fields, "cute", narration.cute);
    add_text(fields, "correlation_id", narration.correlation_id);
    add_text(fields, "job_id", narration.job_id);
    add_text(fields, "worker_id", narration.worker_id);
    add_text(fields, "error_kind", narration.error_kind);
    add_time(fields, "duration_ms", narration.duration);
    add_number(fields, "tokens_in", narration.tokens_in);
    add_number(fields, "tokens_out", narration.tokens_out);
    add_time(fields, "decode_time_ms", narration.decode_time);
    add_number(fields, "queue_position", narration.queue_position);
    add_text(fields, "model_ref", narration.model_ref);
    add_text(fields, "device", narration.device);
    add_time(fields, "emitted_at_ms", narration.emitted_at);
    return fields;
}

std::string to_json(const Narration& narration) {
    std::string out;
    for (const LogField& field : fields_of(narration)) {
        out += out.empty() ? '{' : ',';
        append_json_string(out, field.key);
        out += ':';
        if (field.is_text) {
            append_json_string(out, to_utf8(field.value));
        } else {
            out += field.value;
        }
    }
    out += '}';
    return out;
}

Narration made_presentable(Narration narration) {
    for (std::string* text :
         {&narration.actor, &narration.action, &narration.target, &narration.human}) {
        *text = redact(*text);
    }
    for (std::optional<std::string>* text :
         {&narration.cute, &narration.correlation_id, &narration.job_id, &narration.worker_id,
          &narration.error_kind, &narration.model_ref, &narration.device}) {
        if (*text) *text = redact(**text);
    }
    // Cut last: a secret that is cut in two is no longer recognised.
    narration.human = std::string(first_characters(to_utf8(narration.human), human_characters_max));
    return narration;
}

}  // namespace worker
