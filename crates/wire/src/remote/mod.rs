//! Remote write requests, decoded in place.
