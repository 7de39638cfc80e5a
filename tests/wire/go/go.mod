module bursar.example/wire

go 1.23.0

require github.com/stripe/stripe-go/v86 v86.1.0
