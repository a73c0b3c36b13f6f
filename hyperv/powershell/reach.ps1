# What this machine finds when it turns to other nodes: their names, their ports, and a sign-in with its own account.
# Dot-sourced by Watari.HyperV.psm1.

# Names and ports of all nodes together. A peer that stays silent costs this, and no more.
$script:ReachMs = 2500

# A sign-in is tried only where WinRM's port is open, so this is for a WinRM that accepts and then says nothing.
$script:SignInSeconds = 5

$script:WinRMPort = 5985

# ERROR_WSMAN_CANNOT_CONNECT_MACHINE, which is what WinRM says after its own minute of waiting.
$script:Unreachable = '0x80338126'

# WinRM refuses by itself to turn to a name that TrustedHosts lacks: no account was tried.
$script:NotTrusted = '0x803380E4'

# By name of the peer, a real sign-in over WinRM with the account, hence the password, of this process: a question that
# only an administrator is answered. The answer tells the peer's clock as well. One after the other, and none after a
# refusal: a password that is wrong at one is wrong at the next, and each wrong sign-in counts towards the lock of that
# account.
function Read-SignIn {
    param([string[]]$Peer)
    $found = @{}
    if ($Peer.Count -eq 0) { return $found }
    $watch = [System.Diagnostics.Stopwatch]::StartNew()
    foreach ($name in $Peer) {
        $found[$name] = Request-SignIn $name $watch
        $code = $found[$name].hresult
        if (-not $found[$name].ok -and $code -ne $script:Unreachable -and $code -ne $script:NotTrusted) { break }
    }
    $system = @(Read-Optional 'The clock' { Invoke-Recorded { CimCmdlets\Get-CimInstance -ClassName Win32_OperatingSystem } })[0]
    if ($null -eq $system) { return $found }
    $began = ([datetime]$system.LocalDateTime).ToUniversalTime().AddMilliseconds(-$watch.ElapsedMilliseconds)
    foreach ($one in $found.Values) {
        if ($one.ok) { $one.ahead = [Math]::Round(($one.clock - $began.AddMilliseconds($one.after)).TotalSeconds, 3) }
    }
    $found
}

function Request-SignIn {
    param([string]$Peer, [System.Diagnostics.Stopwatch]$Watch)
    $seconds = [uint32]$script:SignInSeconds
    $asked = $Watch.ElapsedMilliseconds
    try {
        $answer = @(Invoke-Recorded { CimCmdlets\Get-CimInstance -ClassName Win32_OperatingSystem -ComputerName $Peer -OperationTimeoutSec $seconds })[0]
        # The peer looked at its clock somewhere between the question and its answer.
        @{
            ok = $true; hresult = $null; message = $null; ahead = $null
            clock = ([datetime]$answer.LocalDateTime).ToUniversalTime(); after = ($asked + $Watch.ElapsedMilliseconds) / 2
        }
    }
    catch { ConvertTo-Refusal $_ }
}

function ConvertTo-Refusal {
    param([System.Management.Automation.ErrorRecord]$Record)
    @{ ok = $false; hresult = Read-CimCode $Record; message = [string]$Record.Exception.Message; ahead = $null }
}

# The id of an error of CIM is its code: "HRESULT 0x8009030e,Microsoft.Management...".
function Read-CimCode {
    param([System.Management.Automation.ErrorRecord]$Record)
    $code = Read-FailureCode ([string]$Record.FullyQualifiedErrorId)
    if ($null -ne $code) { return $code }
    ConvertTo-HResult $Record.Exception.HResult
}

function Get-WatariPeer {
    <#
    .SYNOPSIS
    Tells what this machine finds when it turns to other nodes: address, open ports, a sign-in, the clock.
    .DESCRIPTION
    Names and ports of all nodes at once, within about three seconds. Then the sign-ins, one after the other; a WinRM that
    accepts a connection and says nothing costs five seconds. After the first refusal no other node is asked: its signIn
    is $null.
    .PARAMETER Name
    The other nodes.
    .PARAMETER Port
    TCP ports to try.
    .PARAMETER SignIn
    Also sign in; $false: names and ports alone.
    .EXAMPLE
    Get-WatariPeer -Name HV2, HV3 -Port 445, 3343, 5985, 6600
    #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true)][AllowEmptyCollection()][Alias('nodes')]
        [ValidatePattern('\A[^\x00-\x1F\x7F]{1,260}\z')][string[]]$Name,
        [Parameter(Mandatory = $true)][AllowEmptyCollection()][Alias('ports')][ValidateRange(1, 65535)][int[]]$Port,
        [bool]$SignIn = $true
    )
    if ($Name.Count -eq 0) { return }
    $look = @(@($Port) + $script:WinRMPort | Sort-Object -Unique)
    $ms = $script:ReachMs
    $reach = @{}
    Invoke-Recorded { Watari.Probe\Test-Reach -Name $Name -Port $look -TimeoutMs $ms } | ForEach-Object {
        $open = @{}
        foreach ($one in $_.Ports) { $open[[int]$one.Port] = [bool]$one.Open }
        $reach[[string]$_.Name] = @{ Addresses = @($_.Addresses | ForEach-Object { [string]$_ }); Open = $open }
    }
    $answering = @($Name | Where-Object { $reach[$_].Open[$script:WinRMPort] } | Sort-Object -Unique)
    $signIns = @{}
    if ($SignIn) { $signIns = Read-SignIn $answering }
    foreach ($peer in $Name) {
        $tried = $signIns[$peer]
        if ($null -eq $tried -and $SignIn -and $answering -notcontains $peer) {
            $tried = @{ ok = $false; hresult = $script:Unreachable; message = "WinRM of $peer (TCP $($script:WinRMPort)) does not answer."; ahead = $null }
        }
        $told = $null
        $ahead = $null
        if ($null -ne $tried) {
            $ahead = $tried.ahead
            $told = [pscustomobject][ordered]@{ ok = $tried.ok; hresult = $tried.hresult; message = $tried.message }
        }
        [pscustomobject][ordered]@{
            node              = $peer
            addresses         = $reach[$peer].Addresses
            ports             = @(foreach ($number in $Port) {
                    [pscustomobject][ordered]@{ port = $number; open = $reach[$peer].Open[$number] }
                })
            signIn            = $told
            clockAheadSeconds = $ahead
        }
    }
}
