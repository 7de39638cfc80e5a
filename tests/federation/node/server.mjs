// A certified OpenID Connect provider on loopback. Anybody may sign in, and is who they say.
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const server = createServer();
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const issuer = `http://127.0.0.1:${server.address().port}`;
const { REDIRECT_URI, AUDIENCE } = process.env;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: 'bursar',
      client_secret: 'a secret of the client, long enough for everybody',
      redirect_uris: [REDIRECT_URI],
    },
    {
      client_id: 'tool',
      redirect_uris: ['http://127.0.0.1/done'],
      token_endpoint_auth_method: 'none',
      application_type: 'native',
    },
  ],
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'], groups: ['groups'] },
  conformIdTokenClaims: false, // into the ID token, as most companies' providers do
  findAccount: (_context, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: `${id}@example.com`, email_verified: true, name: id, groups: ['staff'] }),
  }),
  features: {
    devInteractions: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => undefined,
      getResourceServerInfo: () => ({ audience: AUDIENCE, scope: 'bursar', accessTokenFormat: 'jwt' }),
    },
  },
  pkce: { required: () => true },
  cookies: { keys: ['signs the cookies of a test'] },
});
server.on('request', provider.callback());
console.log(issuer);
