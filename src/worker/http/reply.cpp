#include "worker/http/reply.h"

#include "worker/base/assert.h"

namespace worker {
namespace {

// Source: RFC 9110, section 15.3.5 and RFC 9112, section 6.3.
bool may_have_body(int status) {
    return status != 204 && status != 304;
}

}  // namespace

namespace asio = boost::asio;

std::string to_wire(const Response& response, const ReplyForm& form) {
    ResponseHead head{.status = response.status,
                      .content_type = response.content_type,
                      .content_length = response.body.size(),
                      .close = form.close || response.close,
                      .trace = form.trace,
                      .fields = response.fields};
    head.fields.insert(head.fields.end(), form.fields.begin(), form.fields.end());
    const bool bodiless = !may_have_body(response.status);
    if (bodiless) {
        head.content_type.clear();
        head.content_length.reset();
    }
    std::string wire = to_wire(head, std::time(nullptr));
    if (!bodiless && !form.head_only) wire += response.body;
    return wire;
}

Reply::Reply(ClientSocket& socket, ReplyForm form, const HttpService& service)
    : socket_(socket), form_(std::move(form)), service_(service) {}

void Reply::send(Response response) {
    WORKER_ASSERT(!begun());
    response_ = std::move(response);
}

asio::awaitable<bool> Reply::begin_stream(std::vector<std::pair<std::string, std::string>> fields) {
    WORKER_ASSERT(!begun());
    streaming_ = true;
    fields.emplace_back("cache-control", "no-cache");
    fields.emplace_back("x-accel-buffering", "no");
    fields.insert(fields.end(), form_.fields.begin(), form_.fields.end());
    const ResponseHead head{.content_type = "text/event-stream",
                            .chunked = !form_.http_1_0,
                            .close = form_.close || service_.draining,
                            .trace = form_.trace,
                            .fields = std::move(fields)};
    const bool written = co_await write_now(to_wire(head, std::time(nullptr)));
    co_return written && !form_.head_only;
}

asio::awaitable<bool> Reply::write(std::string bytes) {
    WORKER_ASSERT(streaming_);
    if (form_.head_only || broken_) co_return false;
    if (bytes.empty()) co_return true;
    if (!form_.http_1_0) bytes = to_chunk(bytes);
    const bool written = co_await write_now(std::move(bytes));
    co_return written;
}

asio::awaitable<bool> Reply::end_stream() {
    if (broken_) co_return false;
    if (form_.head_only || form_.http_1_0) co_return true;
    const bool written = co_await write_now(std::string(last_chunk));
    co_return written;
}

asio::awaitable<bool> Reply::write_now(std::string bytes) {
    broken_ = true;  // Until all is written: a cancelled write leaves half a chunk behind.
    const bool written = co_await socket_.write(bytes, service_.settings.limits.write_idle);
    broken_ = !written;
    co_return written;
}

}  // namespace worker
