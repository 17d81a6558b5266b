// Which web pages may call, and read the replies. Credentials that a browser adds by itself are
// never asked for: a page shows its token, if it has one. Source: Fetch Standard, section 3.3.
#pragma once

#include "worker/http/message.h"
#include "worker/http/request_checks.h"

#include <string>
#include <utility>
#include <vector>

namespace worker {

// What each reply carries for the caches on its way and, where the request is of an origin that is
// listed, for the browser. Nothing where no origins are listed.
std::vector<std::pair<std::string, std::string>> cors_fields(
    const Fields& request, const std::vector<std::string>& origins);

// A browser asks whether a page of a listed origin may send what it is about to.
bool is_preflight(const RequestHead& head, const std::vector<std::string>& origins);

// `methods`: what the path takes, separated by commas.
Response preflight_response(const Fields& request, std::string methods);

}  // namespace worker
