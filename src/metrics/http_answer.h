#pragma once

#include <utility>  // first: Boost 1.74 relies on it in C++20

#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <string_view>

#include "metrics/http_server.h"

namespace redline {

using HttpRequest = boost::beast::http::request<boost::beast::http::empty_body>;
using HttpResponse = boost::beast::http::response<boost::beast::http::string_body>;

/// What a request asks for, without what stands behind '?'.
std::string_view pathOf(const HttpRequest& request);
/// Whether its Host is one that the site does not answer to (Site::host).
bool namesAnotherHost(const HttpRequest& request, const Site& site);
/// Whether it asks for the stream of events, and may have it.
bool asksForEvents(const HttpRequest& request, const Site& site);
/// The number of the event that the reader saw last: from Last-Event-ID, or from "after=" in the
/// target, for a page that opens its stream anew. 0: it wants all.
std::uint64_t lastSeen(const HttpRequest& request, const EventFeed& feed);

/// The answer to anything but a request for events.
HttpResponse answerTo(const HttpRequest& request, const Site& site);

/// Bytes came that are not a request, which deserves an answer.
bool isMalformed(const boost::system::error_code& problem);
HttpResponse answerTo(const boost::system::error_code& problem);

/// The head of a stream of events, up to its first event.
inline constexpr std::string_view kEventStreamHead =
    "HTTP/1.1 200 OK\r\n"
    "Content-Type: text/event-stream\r\n"
    "Cache-Control: no-store\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Connection: close\r\n\r\n"
    "retry: 2000\n\n";

}  // namespace redline
