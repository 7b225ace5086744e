"""What environments of real hosts share: agents beside the nodes, and the surfaces over them."""
