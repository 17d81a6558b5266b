#pragma once

#include "worker/http/message.h"

#include <string>
#include <string_view>

namespace worker {

// The two ends of a connection, and the name that the server was told to bind.
struct Endpoints {
    std::string peer;   // address, IPv4 in its own form even on an IPv6 socket
    std::string local;  // the address that the peer connected to
    std::string bound;  // HttpSettings::host
};

// 127.0.0.0/8 and ::1. Source: wire contract, 6.
bool is_loopback_address(std::string_view address);

// `authority` ("localhost:8080") is a loopback name or the bound address, which a web page from
// elsewhere cannot bring about, even where it makes its own name resolve to us. An empty one is no
// page's: browsers always send Host.
bool names_this_server(std::string_view authority, const Endpoints& endpoints);

// A loopback peer, without signs that a proxy or a web page speaks through it. Source: wire
// contract, 6; Fetch Metadata, section 2.4.
bool is_local_caller(const Fields& fields, std::string_view authority, const Endpoints& endpoints);

}  // namespace worker
