# What this machine finds when it turns to other nodes: their names, their ports, and a sign-in with its own account.
# Dot-sourced by Watari.HyperV.psm1.

# Names and ports of all nodes together. A peer that stays silent costs this, and no more.
$script:ReachMs = 2500

# A sign-in is tried only where WinRM's port is open, so this is for a WinRM that accepts and then says nothing.
$script:SignInSeconds = 5

$script:WinRMPort = 5985

# ERROR_WSMAN_CANNOT_CONNECT_MACHINE, which is what WinRM says after its own minute of waiting.
$script:Unreachable = '0x80338126'

# By name of the peer, a real sign-in over WinRM with the account, hence the password, of this process: a question that only
# an administrator is answered. The answer tells the peer's clock as well.
function Read-SignIn {
    param([string[]]$Peer)
    $found = @{}
    if ($Peer.Count -eq 0) { return $found }
    $watch = [System.Diagnostics.Stopwatch]::StartNew()
    $seconds = [uint32]$script:SignInSeconds
    try {
        Invoke-Recorded {
            CimCmdlets\Get-CimInstance -ClassName Win32_OperatingSystem -ComputerName $Peer -OperationTimeoutSec $seconds -ErrorAction Continue
        } 2>&1 | ForEach-Object {
            if ($_ -is [System.Management.Automation.ErrorRecord]) {
                $name = [string](Read-Property (Read-Property $_ 'OriginInfo') 'PSComputerName')
                # An answer that came before it counts more.
                if (-not $found.ContainsKey($name)) { $found[$name] = ConvertTo-Refusal $_ }
            }
            else {
                $found[[string]$_.PSComputerName] = @{
                    ok = $true; hresult = $null; message = $null; ahead = $null
                    # The peer looked at its clock somewhere between the question and its answer.
                    clock = ([datetime]$_.LocalDateTime).ToUniversalTime(); after = $watch.ElapsedMilliseconds / 2
                }
            }
        }
    }
    # One that names nobody is for all that have no answer.
    catch { $found[''] = ConvertTo-Refusal $_ }
    $system = @(Read-Optional 'The clock' { Invoke-Recorded { CimCmdlets\Get-CimInstance -ClassName Win32_OperatingSystem } })[0]
    if ($null -eq $system) { return $found }
    $began = ([datetime]$system.LocalDateTime).ToUniversalTime().AddMilliseconds(-$watch.ElapsedMilliseconds)
    foreach ($one in $found.Values) {
        if ($one.ok) { $one.ahead = [Math]::Round(($one.clock - $began.AddMilliseconds($one.after)).TotalSeconds, 3) }
    }
    $found
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
    All nodes at once: within about three seconds, or eight where a WinRM accepts a connection and then says nothing.
    .PARAMETER Name
    The other nodes.
    .PARAMETER Port
    TCP ports to try.
    .EXAMPLE
    Get-WatariPeer -Name HV2, HV3 -Port 445, 3343, 5985, 6600
    #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true)][AllowEmptyCollection()][Alias('nodes')]
        [ValidatePattern('\A[^\x00-\x1F\x7F]{1,260}\z')][string[]]$Name,
        [Parameter(Mandatory = $true)][AllowEmptyCollection()][Alias('ports')][ValidateRange(1, 65535)][int[]]$Port
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
    $signIns = Read-SignIn @($Name | Where-Object { $reach[$_].Open[$script:WinRMPort] } | Sort-Object -Unique)
    foreach ($peer in $Name) {
        $answers = $reach[$peer].Open[$script:WinRMPort]
        $signIn = $signIns[$peer]
        if ($null -eq $signIn -and $answers) { $signIn = $signIns[''] }
        if ($null -eq $signIn) {
            $why = "WinRM of $peer (TCP $($script:WinRMPort)) does not answer."
            if ($answers) {
                $why = "$peer accepted a connection to WinRM (TCP $($script:WinRMPort)) and did not answer within $($script:SignInSeconds) seconds."
            }
            $signIn = @{ ok = $false; hresult = $script:Unreachable; message = $why; ahead = $null }
        }
        [pscustomobject][ordered]@{
            node              = $peer
            addresses         = $reach[$peer].Addresses
            ports             = @(foreach ($number in $Port) {
                    [pscustomobject][ordered]@{ port = $number; open = $reach[$peer].Open[$number] }
                })
            signIn            = [pscustomobject][ordered]@{ ok = $signIn.ok; hresult = $signIn.hresult; message = $signIn.message }
            clockAheadSeconds = $signIn.ahead
        }
    }
}
