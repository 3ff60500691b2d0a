"""The endpoints: views that read a request, call a use case of `tot_jwt.access`, and respond."""
