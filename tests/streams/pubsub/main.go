// Google's own fake of Pub/Sub, with what it does not check by itself: who calls, what they may, and how much at once.
// Arguments: the public key of the service account that is known, and where to put the certificate.
// It says where it listens in one line of JSON, and ends with its standard input.
package main

import (
	"encoding/json"
	"io"
	"log"
	"net"
	"os"
	"strings"

	pb "cloud.google.com/go/pubsub/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/pstest"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
)

const requestBytesMax = 10_000_000

// reactor answers a call instead of the fake where it returns an error.
type reactor func(request any) error

func (react reactor) React(request any) (bool, any, error) {
	err := react(request)
	return err != nil, nil, err
}

// Names of topics say what goes wrong with them.
func publish(request any) error {
	asked := request.(*pb.PublishRequest)
	size := 0
	for _, message := range asked.Messages {
		size += len(message.Data)
		if message.OrderingKey != asked.Messages[0].OrderingKey {
			return status.Error(codes.InvalidArgument, "In a single publish request, all messages must have the same ordering key.")
		}
	}
	switch {
	case size > requestBytesMax:
		return status.Error(codes.InvalidArgument, "The request size exceeds the maximum allowed.")
	case strings.Contains(asked.Topic, "forbidden"):
		return status.Error(codes.PermissionDenied, "User not authorized to perform this action.")
	case strings.Contains(asked.Topic, "exhausted"):
		return status.Error(codes.ResourceExhausted, "Quota exceeded.")
	case strings.Contains(asked.Topic, "keyless"):
		return status.Error(codes.FailedPrecondition, "The encryption key is disabled.")
	case strings.Contains(asked.Topic, "picky"):
		return status.Error(codes.InvalidArgument, "Request contains an invalid argument.")
	}
	return nil
}

func look(request any) error {
	if strings.Contains(request.(*pb.GetTopicRequest).Topic, "hidden") {
		return status.Error(codes.PermissionDenied, "User not authorized to perform this action.")
	}
	return nil
}

func main() {
	account, certificateFile := readAccount(os.Args[1]), os.Args[2]
	certificate := selfSigned(certificateFile)
	fake := pstest.NewServerWithAddress("127.0.0.1:0",
		pstest.ServerReactorOption{FuncName: "Publish", Reactor: reactor(publish)},
		pstest.ServerReactorOption{FuncName: "GetTopic", Reactor: reactor(look)},
	)
	guarded := grpc.NewServer(
		grpc.Creds(credentials.NewServerTLSFromCert(&certificate)),
		grpc.UnaryInterceptor(account.check),
		grpc.MaxRecvMsgSize(2*requestBytesMax), // so that it is Pub/Sub that finds a message too large, not gRPC
	)
	pb.RegisterPublisherServer(guarded, &fake.GServer)
	pb.RegisterSubscriberServer(guarded, &fake.GServer)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	go func() { must(guarded.Serve(listener)) }()
	must(json.NewEncoder(os.Stdout).Encode(map[string]string{"plain": fake.Addr, "guarded": listener.Addr().String()}))
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
